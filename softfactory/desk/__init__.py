"""The desk of a server: the runs that are worked on in this process, and who watches them."""

from softfactory.desk.bulletin import Bulletin
from softfactory.desk.desk import Desk, Limits

__all__ = ["Bulletin", "Desk", "Limits"]
