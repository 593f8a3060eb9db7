"""What Bakery Lumen's till says of itself: an OpenAPI 3.1 document as businesses write them, with references and a few odd corners."""

ORDER = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "examples": ["1001"]},
        "status": {"type": "string", "enum": ["taken", "in the oven", "delivered"]},
        "item": {"type": "string"},
        "quantity": {"type": "integer", "minimum": 1},
        "customer": {"type": "string"},
    },
}

NEW_ORDER = {
    "type": "object",
    "required": ["item"],
    "additionalProperties": False,
    "properties": {
        "item": {"type": "string", "description": "What to bake", "maxLength": 80},
        "quantity": {"type": "integer", "minimum": 1, "maximum": 50, "default": 1},
        "customer": {"type": "string"},
        "wish": {"type": ["string", "null"], "description": "Anything special"},
    },
}

NEW_REFUND = {
    "type": "object",
    "required": ["order", "amount"],
    "properties": {
        "order": {"type": "string"},
        "amount": {"type": "number", "exclusiveMinimum": 0},
        "reason": {"$ref": "#/components/schemas/Reason"},
    },
}

REASON = {"type": "string", "enum": ["burnt", "late", "wrong"]}


def document(url, with_key):
    """The document for a till at `url`."""
    paths = {
        "/orders/{id}": {
            "get": _operation("getOrder", "Look up one order", _json("Order"), [_parameter("id", "path", {"type": "string"})])
        },
        "/orders": {
            "get": _operation(
                "listOrders", "Orders of a customer", _json("Orders"), [{"$ref": "#/components/parameters/Customer"}, _LIMIT]
            ),
            "post": _operation("createOrder", "Take an order", _json("Order"), [], _json("NewOrder"), "201"),
        },
        "/refunds": {"post": _operation("createRefund", "Pay money back", {"description": "Done"}, [], _json("NewRefund"), "201")},
    }
    for name in ("slow", "broken", "huge", "hostile", "moved"):
        paths[f"/{name}"] = {"get": _operation(name, f"An answer that is {name}", {"description": "An answer"}, [])}
    schemas = {"Order": ORDER, "NewOrder": NEW_ORDER, "NewRefund": NEW_REFUND, "Reason": REASON}
    schemas["Orders"] = {"type": "object", "properties": {"orders": {"type": "array", "items": {"$ref": "#/components/schemas/Order"}}}}
    made = {
        "openapi": "3.1.0",
        "info": {"title": "Bakery Lumen's till", "version": "1.2.0", "description": "Orders and refunds of Bakery Lumen."},
        "servers": [{"url": url}],
        "paths": paths,
        "components": {"schemas": schemas, "parameters": {"Customer": _parameter("customer", "query", {"type": "string"})}},
    }
    if with_key:
        made["components"]["securitySchemes"] = {"till": {"type": "apiKey", "in": "header", "name": "X-Shop-Key"}}
        made["security"] = [{"till": []}]
    return made


def _operation(name, summary, answer, parameters, body=None, status="200"):
    made = {"operationId": name, "summary": summary, "parameters": parameters, "responses": {status: {"description": summary, **answer}}}
    return {**made, "requestBody": {"required": True, **body}} if body else made


def _parameter(name, place, schema):
    return {"name": name, "in": place, "required": place == "path", "schema": schema}


def _json(name):
    return {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}}


_LIMIT = _parameter("limit", "query", {"type": "integer", "minimum": 1, "maximum": 100, "default": 20})
