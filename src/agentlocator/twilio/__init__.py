"""The carrier's languages: Media Streams messages, TwiML, signatures, and the account behind its REST API.

Nothing here decides anything about a call, and only `account` touches a network.
"""
