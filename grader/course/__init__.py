"""The course: boundary segmentation with BSDS500."""
