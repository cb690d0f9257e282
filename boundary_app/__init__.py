"""The two demos' shared page. Only `page` and the modules that it mounts need Streamlit."""
