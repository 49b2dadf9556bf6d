"""Tables, figures and reports of results and evidence."""
