"""What an instructor gets of a graded class: a page, tables and exports."""
