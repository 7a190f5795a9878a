"""One phone call as a synchronous, deterministic machine: events in, commands out.

`machine.Call` decides; the modules beside it are the small machines it is made of. Nothing here knows a wire format, a
clock, a thread, a log or a business's data: time is an argument, and audio is G.711 µ-law bytes that are never altered.
"""
