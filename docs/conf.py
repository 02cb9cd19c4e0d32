"""The documentation as a site, by Sphinx: `make docs` serves it, `make site` builds and checks it.

Its source folder is the root of the repository. So one relative link works in the repository and on
the site, and Sphinx checks it.
"""

project = "Barong"
copyright = "the Barong maintainers. Apache License 2.0"  # noqa: A001 - Sphinx's name
extensions = ["myst_parser"]
include_patterns = [
    "*.md",
    "docs/**.md",
    "deploy/*.md",
    "k8s/*.md",
    "clients/**.md",
    "tests/interop/**.md",
]
root_doc = "docs/index"

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
# What a link names and Sphinx does not know is a fault, also within a page.
nitpicky = True

html_theme = "furo"
html_title = "Barong"
# The root of the site leads to docs/index.html.
html_extra_path = ["site"]
html_copy_source = False
html_show_sourcelink = False
# The pages ask nobody else for anything: fonts are those of the reader's system.
html_theme_options = {"sidebar_hide_name": False}
pygments_style = "friendly"
