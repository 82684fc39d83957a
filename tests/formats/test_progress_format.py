import io

from rich.console import Console

from migsafe.formats.progress import progress


class Clock:
    """Seconds, as the test sets them."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_pipe_gets_a_line_at_most_every_five_seconds() -> None:
    clock, out = Clock(), io.StringIO()
    with progress(Console(file=out, width=20), clock) as on_progress:
        for clock.now in (0.0, 1.0, 4.9, 5.0, 9.0, 12.0):
            on_progress("backup: dumping public.chat_messages", clock.now / 29.3)
    assert out.getvalue().splitlines() == [
        "backup: dumping public.chat_messages, 0 %",
        "backup: dumping public.chat_messages, 17 %, 5.0 s",
        "backup: dumping public.chat_messages, 41 %, 12 s",
    ]


def test_a_step_whose_end_is_not_known_shows_no_percentage() -> None:
    out = io.StringIO()
    with progress(Console(file=out)) as on_progress:
        on_progress("waiting for public.orders", None)
    assert out.getvalue().startswith("waiting for public.orders\n")


def test_a_terminal_gets_a_bar_that_is_gone_at_the_end() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=100, color_system=None)
    with progress(console, Clock()) as on_progress:
        on_progress("backup: dumping [public].orders", 0.25)
        on_progress("backup: reading it back", None)
    assert "backup: reading it back" in out.getvalue()
    assert out.getvalue().endswith("\x1b[2K")


def test_a_terminal_shows_the_revision_above_its_statement() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=120, color_system=None)
    with progress(console) as on_progress:
        on_progress("revision 2 of 3, f01: versions/f01.py", 1 / 3)
        on_progress("op.create_index at line 12: CREATE INDEX CONCURRENTLY ix ON t (id)", 0.43)
        on_progress("revision 3 of 3, f02: versions/f02.py", 2 / 3)
    last = [line for line in out.getvalue().split("\n") if "revision" in line or "CREATE" in line]
    assert any("revision 2 of 3, f01" in line and "33%" in line for line in last)
    assert any("CREATE INDEX CONCURRENTLY" in line and "43%" in line for line in last)
    assert "revision 3 of 3, f02" in last[-1]
