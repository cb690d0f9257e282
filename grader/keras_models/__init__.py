"""Models of submissions: looked through as plain data here, opened and run in a sandbox alone."""
