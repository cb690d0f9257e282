"""Making and checking what students get."""
