"""SCRAM against the worked examples of its RFCs, and the exchanges with everything that can be wrong with them."""

from __future__ import annotations

import base64

import pytest

from harness.pylog_broker.security import sasl, scram
from harness.pylog_broker.security.sasl import AuthenticationFailed
from harness.pylog_broker.security.users import UserDirectory

# RFC 7677, section 3.
CLIENT_FIRST = b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
SERVER_NONCE = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
SALT = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
SERVER_FIRST = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
CLIENT_FINAL = (
    b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
)
SERVER_FINAL = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def test_the_rfc_example() -> None:
    credential = scram.from_password("SCRAM-SHA-256", "pencil", SALT, 4096)
    first = scram.parse_first(CLIENT_FIRST)
    assert (first.user, first.nonce) == ("user", "rOprNGfwEbeRWgbNEkqO")
    assert scram.first_reply(first, SERVER_NONCE, credential) == SERVER_FIRST
    assert scram.final_reply("SCRAM-SHA-256", first, SERVER_FIRST, credential, CLIENT_FINAL) == SERVER_FINAL


@pytest.mark.parametrize(
    "final",
    [
        CLIENT_FINAL.replace(b"dHzb", b"dHzc"),
        CLIENT_FINAL.replace(b"rOpr", b"xOpr"),
        CLIENT_FINAL.replace(b"c=biws", b"c=eSws"),
        CLIENT_FINAL.replace(b",p=", b",q="),
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=AAAA",
        b"c=biws,p=!!!",
        b"\xff\xfe",
        b"",
    ],
)
def test_a_final_message_that_is_not_the_right_one(final: bytes) -> None:
    credential = scram.from_password("SCRAM-SHA-256", "pencil", SALT, 4096)
    first = scram.parse_first(CLIENT_FIRST)
    with pytest.raises(scram.ScramFailed):
        scram.final_reply("SCRAM-SHA-256", first, SERVER_FIRST, credential, final)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"n",
        b"p=tls-unique,,n=user,r=x",
        b"n,,n=user",
        b"n,,r=x,n=user",
        b"n,,n=user,r=",
        b"n,a=other,n=user,r=x",
        b"n,,n=us=er,r=x",
        b"n,,n=user,r=x,tokenauth=true",
        b"\xff",
    ],
)
def test_a_first_message_that_is_refused(message: bytes) -> None:
    with pytest.raises(scram.ScramFailed):
        scram.parse_first(message)


def test_names_are_unescaped() -> None:
    assert scram.parse_first(b"n,,n=a=2Cb=3Dc,r=x").user == "a,b=c"


@pytest.mark.parametrize("mechanism", list(scram.HASHES))
def test_an_unknown_user_gets_the_same_salt_again_and_never_in(mechanism: str) -> None:
    users = UserDirectory({"alice": "secret"})
    salts = set()
    for _ in range(2):
        exchange = sasl.begin(mechanism, users, lambda count: b"n" * count)
        salts.add(exchange.step(b"n,,n=mallory,r=abc").reply.split(b",")[1])
        with pytest.raises(AuthenticationFailed):
            exchange.step(b"c=biws,r=abc" + base64.b64encode(b"n" * 24) + b",p=" + base64.b64encode(bytes(32)))
    assert len(salts) == 1


@pytest.mark.parametrize(
    "token",
    [
        b"\0alice\0wrong",
        b"\0bob\0secret",
        b"bob\0alice\0secret",
        b"alice\0secret",
        b"\0\0",
        b"\xff\0a\0b",
        b"\0alice\0",
    ],
)
def test_plain_refuses(token: bytes) -> None:
    with pytest.raises(AuthenticationFailed):
        sasl.begin("PLAIN", UserDirectory({"alice": "secret"}), bytes).step(token)


def test_plain_accepts() -> None:
    step = sasl.begin("PLAIN", UserDirectory({"alice": "secret"}), bytes).step(b"\0alice\0secret")
    assert step == (b"", "alice")
