"""The model's language: GA Realtime messages, the session it is asked for, what it costs and how it fails.

Nothing here opens a socket, keeps time or decides anything about a call.
"""
