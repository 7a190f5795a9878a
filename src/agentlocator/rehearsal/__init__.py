"""The product played against its simulated peers: in virtual time, over real sockets, audibly.

The only place that knows both the product and the simulator. `stage` runs the core alone, thousands of calls a minute;
`theatre` runs the whole server; both leave the same `evidence`.
"""
