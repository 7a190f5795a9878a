"""The command's verbs, assembled."""

from __future__ import annotations

import typer

from agentlocator.cli import (
    backup,
    business,
    certify,
    demo,
    doctor,
    floor,
    init,
    leads,
    migrate,
    prompt,
    replay,
    serve,
    simulate,
    user,
    whatsapp,
)

app = typer.Typer(
    name="agentlocator",
    help="Answers a business's phone in Hebrew.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    add_completion=False,
)
app.command()(demo.demo)
app.command()(serve.serve)
app.command()(init.init)
app.command()(doctor.doctor)
app.command()(backup.backup)
app.command()(backup.restore)
app.command()(simulate.simulate)
app.command()(replay.replay)
app.command()(certify.certify)
app.command()(floor.floor)
app.command()(migrate.migrate)
app.add_typer(business.app, name="business")
app.add_typer(leads.app, name="leads")
app.add_typer(user.app, name="user")
app.add_typer(prompt.app, name="prompt")
app.add_typer(whatsapp.app, name="whatsapp")
