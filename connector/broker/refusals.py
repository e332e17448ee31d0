"""Says in words that tell what to do what RabbitMQ has refused."""

from ssl import SSLCertVerificationError

from amqp.exceptions import AccessRefused, NotAllowed, PreconditionFailed

from connector.broker import connecting
from connector.broker.connecting import BrokerAddress


def advice(error: BaseException, broker: BrokerAddress, queue: str) -> str:
    """Returns one line: what RabbitMQ refused, and what is to be done about it.

    Args:
        error: What was raised.
        broker: Where RabbitMQ is.
        queue: The queue that was to be declared or read, if that failed.
    """
    where = connecting.place(broker)
    match error:
        case PreconditionFailed() if queue:
            return (
                f"the queue {queue} is there, but cannot be read as a queue ({_said(error)}): let its messages be "
                f"read, or move them, then delete it (rabbitmqctl delete_queue {queue}); it is made anew by itself"
            )
        case AccessRefused() if _at_login(error):
            return f"RabbitMQ at {where} refuses the user or the password: put the right ones into [broker] url"
        case AccessRefused():
            return (
                f"RabbitMQ at {where} lets this user not do what it must ({_said(error)}): give it the permissions "
                'configure, write and read for the queues, such as rabbitmqctl set_permissions USER ".*" ".*" ".*"'
            )
        case SSLCertVerificationError():
            return (
                f"the certificate of RabbitMQ at {where} is not accepted ({_said(error)}): give the authority that "
                "signed it as [broker] ca_file, and in [broker] url the host that it is for"
            )
        case NotAllowed():
            return (
                f"RabbitMQ at {where} has no such virtual host, or this user may not use it ({_said(error)}): make it "
                "(rabbitmqctl add_vhost, set_permissions), or correct [broker] url"
            )
    reason = _said(error) or "no answer in time"
    return f"RabbitMQ at {where} cannot be used: {reason}. It is tried again by itself"


def is_refusal(error: BaseException) -> bool:
    """Says whether RabbitMQ answered, and will answer the same until somebody does something."""
    return isinstance(error, (PreconditionFailed, AccessRefused, NotAllowed))


def _at_login(error: AccessRefused) -> bool:
    return "login" in str(error).lower()


def _said(error: BaseException) -> str:
    words = getattr(error, "reply_text", None) or str(error)
    return " ".join(str(words).split())[:300]
