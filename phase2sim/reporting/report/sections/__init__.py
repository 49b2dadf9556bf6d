"""The sections of a report, each from a dossier; `full_report.SECTIONS` lists them in order."""
