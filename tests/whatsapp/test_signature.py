"""Who signed a webhook. The table of forgeries is also run against broken checks, which must not pass it."""

import json

import pytest

from dragoman.whatsapp.signature import sign, signed

SECRET = b"test_app_secret"
BODY = (
    rb'{"object":"whatsapp_business_account","entry":[{"id":"102290000000001","changes":[{"value":{"messaging_product":"whatsapp",'
    rb'"metadata":{"display_phone_number":"15550001234","phone_number_id":"106540000000001"},"contacts":[{"profile":{"name":"Zo\u00eb"},'
    rb'"wa_id":"15550007890","user_id":"US.13491200000000000001"}],"messages":[{"from":"15550007890",'
    rb'"from_user_id":"US.13491200000000000001","id":"wamid.TEST1","timestamp":"1794052800","type":"text",'
    rb'"text":{"body":"h\u00e9llo"}}]},"field":"messages"}]}]}'
)
HEX = "279e26c4ca2c104d24d98a08dc25303fcf0669a0221820e118ddc895d744922a"
HEADER = f"sha256={HEX}"
EMOJI = '{"text":"🥐 Zoë"}'.encode()

GENUINE = {
    "Meta's short example": (b'{"a":1}', "sha256=7785413a729944b2c490adc8fc53e18eff8179b06953a83bf4479f3da2d4be9f", [SECRET]),
    "Meta's long example": (BODY, HEADER, [SECRET]),
    "emoji as they are": (EMOJI, sign(EMOJI, SECRET), [SECRET]),
    "emoji as escapes": (rb'{"text":"\ud83e\udd50"}', sign(rb'{"text":"\ud83e\udd50"}', SECRET), [SECRET]),
    "an empty body": (b"", sign(b"", SECRET), [SECRET]),
    "bytes that are no text": (b"\xff\x00\xfe", sign(b"\xff\x00\xfe", SECRET), [SECRET]),
    "the old secret while both count": (BODY, HEADER, [b"new_app_secret", SECRET]),
    "the new secret while both count": (BODY, HEADER, [SECRET, b"old_app_secret"]),
}
FORGED = {
    "no header": (BODY, None, [SECRET]),
    "an empty header": (BODY, "", [SECRET]),
    "only the prefix": (BODY, "sha256=", [SECRET]),
    "no prefix": (BODY, HEX, [SECRET]),
    "the old sha1 form": (BODY, "sha1=2fd4e1c67a2d28fced849ee1bb76e7391b93eb12", [SECRET]),
    "sha1 as the name of the right digest": (BODY, f"sha1={HEX}", [SECRET]),
    "upper case digest": (BODY, f"sha256={HEX.upper()}", [SECRET]),
    "upper case prefix": (BODY, f"SHA256={HEX}", [SECRET]),
    "a space before": (BODY, f" {HEADER}", [SECRET]),
    "a space after": (BODY, f"{HEADER} ", [SECRET]),
    "a line break after": (BODY, f"{HEADER}\n", [SECRET]),
    "a space within": (BODY, f"sha256= {HEX}", [SECRET]),
    "two headers, joined": (BODY, f"{HEADER}, {HEADER}", [SECRET]),
    "two headers, the false one first": (BODY, f"sha256={'0' * 64},{HEADER}", [SECRET]),
    "one digit missing": (BODY, HEADER[:-1], [SECRET]),
    "one digit more": (BODY, f"{HEADER}0", [SECRET]),
    "one digit changed": (BODY, f"{HEADER[:-1]}b", [SECRET]),
    "no hexadecimal": (BODY, f"sha256={'g' * 64}", [SECRET]),
    "digits of another script": (BODY, f"sha256={'٣' * 64}", [SECRET]),
    "not ASCII": (BODY, f"sha256={HEX[:-1]}é", [SECRET]),
    "another secret": (BODY, sign(BODY, b"rival_app_secret"), [SECRET]),
    "the secret with a space": (BODY, sign(BODY, SECRET + b" "), [SECRET]),
    "one byte more": (BODY + b"\n", HEADER, [SECRET]),
    "one byte less": (BODY[:-1], HEADER, [SECRET]),
    "one byte changed": (BODY.replace(b"llo", b"lla"), HEADER, [SECRET]),
    "written again as JSON": (json.dumps(json.loads(BODY)).encode(), HEADER, [SECRET]),
    "written again without escapes": (json.dumps(json.loads(BODY), ensure_ascii=False, separators=(",", ":")).encode(), HEADER, [SECRET]),
    "emoji written as escapes": (json.dumps(json.loads(EMOJI)).encode(), sign(EMOJI, SECRET), [SECRET]),
    "no secret is set": (BODY, HEADER, []),
    "the secret is empty": (BODY, sign(BODY, b""), [b""]),
    "an empty old secret": (BODY, sign(BODY, b""), [SECRET, b""]),
    "the old secret after the rotation": (BODY, HEADER, [b"new_app_secret"]),
}


@pytest.mark.parametrize("name", GENUINE)
def test_what_meta_signed_is_accepted(name):
    assert signed(*GENUINE[name])


@pytest.mark.parametrize("name", FORGED)
def test_what_meta_did_not_sign_is_refused(name):
    assert not signed(*FORGED[name])


def test_we_sign_as_meta_does():
    assert sign(BODY, SECRET) == HEADER


BROKEN = {
    "inverted": lambda body, header, secrets: not signed(body, header, secrets),
    "absent": lambda body, header, secrets: True,
    "always refusing": lambda body, header, secrets: False,
    "only asking for a header": lambda body, header, secrets: bool(header),
    "trimming the header": lambda body, header, secrets: signed(body, (header or "").strip(), secrets),
    "minding no case": lambda body, header, secrets: signed(body, (header or "").lower(), secrets),
    "taking the last of two": lambda body, header, secrets: signed(body, (header or "").split(",")[-1].strip(), secrets),
    "trimming the body": lambda body, header, secrets: signed(body.strip(), header, secrets),
    "trying one secret": lambda body, header, secrets: signed(body, header, secrets[:1]),
    "taking an empty secret": lambda body, header, secrets: header in [sign(body, secret) for secret in secrets],
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_check_does_not_pass_this_table(name):
    accepts_all = all(BROKEN[name](*case) for case in GENUINE.values())
    refuses_all = not any(BROKEN[name](*case) for case in FORGED.values())
    assert not (accepts_all and refuses_all)
