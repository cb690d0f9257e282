"""nbgrader's gradebook: autograding into it, and the pages that are made from it."""
