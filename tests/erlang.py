"""A program that asks a private RabbitMQ from within, as often as a test wants.

`rabbitmqctl eval` asks the same, but starts an Erlang of its own each time, which takes a third of a second of CPU.
"""

import subprocess

from tests.servers import RabbitMQ, eventually

_SECONDS = 30.0
_NODE = "private@localhost"
# A question is a line, and so is its answer: what RabbitMQ makes of it, or {badrpc, ...} where it is away, or has said
# nothing for ten seconds.
_LOOP = """
Ask = fun(Line) ->
    {ok, Tokens, _} = erl_scan:string(Line),
    {ok, Expressions} = erl_parse:parse_exprs(Tokens),
    rpc:call(list_to_atom("%s"), erl_eval, exprs, [Expressions, []], 10000)
  end,
Loop = fun(Again) -> case io:get_line("") of
    eof -> halt();
    Line -> io:format("~0tp~n", [Ask(Line)]), Again(Again)
  end end,
Loop(Loop).
"""


class Erlang:
    """An Erlang beside a RabbitMQ's. It is started by the first question, and outlives the server it asks."""

    def __init__(self, rabbitmq: RabbitMQ) -> None:
        self._rabbitmq = rabbitmq
        self._popen: subprocess.Popen[str] | None = None
        self._last = ""

    def ask(self, question: str) -> str:
        """What RabbitMQ answers to an expression of Erlang, as Erlang writes it. It waits for one that just starts."""
        line = " ".join(question.split())
        return str(eventually(lambda: self._answer(line), _SECONDS, every=0.1, still=lambda: self._last))

    def close(self) -> None:
        """Ends it."""
        if self._popen:
            self._popen.kill()
            self._popen.communicate()

    def _answer(self, line: str) -> str | None:
        if self._popen is None or self._popen.poll() is not None:
            self._popen = self._started()
        assert self._popen.stdin
        assert self._popen.stdout
        self._popen.stdin.write(f"{line}\n")
        self._popen.stdin.flush()
        answer = self._popen.stdout.readline()
        self._last = answer
        return answer if answer.startswith("{value,") else None

    def _started(self) -> "subprocess.Popen[str]":
        quiet = ("+S", "1", "+sbwt", "none")
        only_loopback = ("-kernel", "inet_dist_use_interface", "{127,0,0,1}")
        name = ("-sname", f"questions{self._rabbitmq.port}@localhost", "-hidden")
        command = ("erl", "-boot", "start_clean", *name, "-noshell", *quiet, *only_loopback, "-eval", _LOOP % _NODE)
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, env=self._rabbitmq.environ(), stdin=pipe, stdout=pipe, text=True, start_new_session=True
        )
