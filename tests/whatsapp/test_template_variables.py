"""The variables of a template as the API takes them, and as Meta wants them."""

import pytest

from dragoman.errors import Invalid
from dragoman.whatsapp.templates import components

TART = "https://lumen.example/tart.jpg"


def body(*texts):
    return {"type": "body", "parameters": [{"type": "text", "text": text} for text in texts]}


def header(parameter):
    return [{"type": "header", "parameters": [parameter]}]


def button(index, kind, parameter):
    return {"type": "button", "sub_type": kind, "index": str(index), "parameters": [parameter]}


FORMS = [
    ({}, []),
    ({"body": [], "buttons": None, "header": None}, []),
    ({"body": ["Dana", 2041]}, [body("Dana", "2041")]),
    (
        {"body": {"first_name": "Dana"}},
        [{"type": "body", "parameters": [{"type": "text", "parameter_name": "first_name", "text": "Dana"}]}],
    ),
    ({"header": "Tarts"}, header({"type": "text", "text": "Tarts"})),
    ({"header": ["Tarts"]}, header({"type": "text", "text": "Tarts"})),
    ({"header": {"what": "Tarts"}}, header({"type": "text", "parameter_name": "what", "text": "Tarts"})),
    ({"header": TART}, header({"type": "image", "image": {"link": TART}})),
    ({"header": [TART]}, header({"type": "image", "image": {"link": TART}})),
    ({"header": "https://lumen.example/p.pdf"}, header({"type": "document", "document": {"link": "https://lumen.example/p.pdf"}})),
    ({"header": {"video": TART}}, header({"type": "video", "video": {"link": TART}})),
    ({"header": {"image": {"id": "1479"}}}, header({"type": "image", "image": {"id": "1479"}})),
    ({"header": {"type": "video", "url": TART}}, header({"type": "video", "video": {"link": TART}})),
    (
        {"header": {"location": {"latitude": 1, "longitude": 2}}},
        header({"type": "location", "location": {"latitude": 1, "longitude": 2}}),
    ),
    (
        {"buttons": ["2041", None, {"type": "quick_reply", "payload": "STOP"}, {"type": "copy_code", "code": "250FF"}]},
        [
            button(0, "url", {"type": "text", "text": "2041"}),
            button(2, "quick_reply", {"type": "payload", "payload": "STOP"}),
            button(3, "copy_code", {"type": "coupon_code", "coupon_code": "250FF"}),
        ],
    ),
    ({"buttons": [{"type": "flow", "flow_token": "t"}]}, [button(0, "flow", {"type": "action", "action": {"flow_token": "t"}})]),
    (
        {"body": ["Dana"], "cards": [{"header": TART, "body": ["Lemon"], "buttons": ["lemon"]}, {"body": ["Plum"]}]},
        [
            body("Dana"),
            {
                "type": "carousel",
                "cards": [
                    {
                        "card_index": 0,
                        "components": [
                            *header({"type": "image", "image": {"link": TART}}),
                            body("Lemon"),
                            button(0, "url", {"type": "text", "text": "lemon"}),
                        ],
                    },
                    {"card_index": 1, "components": [body("Plum")]},
                ],
            },
        ],
    ),
]


@pytest.mark.parametrize(("variables", "expected"), FORMS)
def test_variables_become_components(variables, expected):
    assert components(variables) == expected


REFUSED = [
    ({"boddy": ["x"]}, "variables.boddy", "is not known"),
    ({"body": ["Dana", "a\nb"]}, "variables.body[1]", "holds a line break"),
    ({"body": ["a     b"]}, "variables.body[0]", "more than four spaces"),
    ({"body": {"name": ""}}, "variables.body.name", "must be a text"),
    ({"body": [True]}, "variables.body[0]", "must be a text"),
    ({"body": ["x" * 1025]}, "variables.body[0]", "is 1025 characters; WhatsApp allows 1024"),
    ({"header": {"image": "tart.jpg"}}, "variables.header.image", "public http or https"),
    ({"header": {"type": "audio", "url": TART}}, "variables.header.url", "has the type audio"),
    ({"buttons": "x"}, "variables.buttons", "list of at most 10"),
    ({"buttons": ["x"] * 11}, "variables.buttons", "list of at most 10"),
    ({"buttons": [{"type": "mpm"}]}, "variables.buttons[0].type", "is mpm"),
    ({"buttons": [{"type": "quick_reply"}]}, "variables.buttons[0].payload", "must be a text"),
    ({"cards": [{"body": ["x"]}]}, "variables.cards", "2 to 10"),
    ({"cards": [{"body": ["x"]}, {"cards": []}]}, "variables.cards[1].cards", "is not known"),
    ({"cards": [{"body": ["x"]}, "y"]}, "variables.cards[1]", "must be an object"),
]


@pytest.mark.parametrize(("variables", "field", "problem"), REFUSED)
def test_a_wrong_variable_is_named(variables, field, problem):
    with pytest.raises(Invalid) as refused:
        components(variables)
    assert refused.value.field == field
    assert refused.value.message.startswith(f"{field} ")
    assert problem in refused.value.message
