from agentlocator.audio.caller_level import CallerLevel


def test_a_caller_is_known_after_four_tenths_of_a_second() -> None:
    caller = CallerLevel()
    for _ in range(19):
        caller.learn(-24.0)
    assert caller.dbfs is None
    caller.learn(-24.0)
    assert caller.dbfs == -24.0


def test_what_he_mutters_aside_teaches_nothing() -> None:
    caller = CallerLevel()
    for _ in range(20):
        caller.learn(-24.0)
    caller.learn(-45.0)
    assert caller.dbfs == -24.0
