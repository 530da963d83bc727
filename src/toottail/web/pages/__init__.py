"""One file for each group of pages: what they ask of the service, and what their forms do."""
