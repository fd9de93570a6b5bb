"""Configuration of the documentation; `tox -e docs` builds it, and a warning is an error."""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "os_faults"
copyright = "the os_faults authors"
release = version = version_of("os-faults")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "os_faults_docs"]
exclude_patterns = ["_build", "_ext"]
html_theme = "furo"
html_title = f"os_faults {release}"
nitpicky = False

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
default_role = "code"

myst_heading_anchors = 3
