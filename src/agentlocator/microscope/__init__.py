"""The call microscope: a recorded call as one picture, and the picture as one page.

`reading` makes a `CallPicture` of a journal, `page` makes HTML of the picture. Never talks to a call that runs.
"""

from agentlocator.microscope.page import render
from agentlocator.microscope.reading import read_picture, read_recording

__all__ = ["read_picture", "read_recording", "render"]
