"""What a scenario or sweep file says: tables, keys, schema, templates, and their assembly."""
