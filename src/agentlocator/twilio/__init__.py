"""The carrier's languages: Media Streams messages, TwiML, signatures, and the calls its REST API takes.

Nothing here decides anything about a call, and only `rest` touches a network.
"""
