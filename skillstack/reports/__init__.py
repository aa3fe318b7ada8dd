"""Reports: what an evaluation found as a page, as Markdown, as JSON, and as tables and plots for a paper."""
