"""How each route of /api/v1 is reached, for the tests that try every door.

`body` is a good request where the route takes one; names in braces stand for rows of Bakery Lumen made by the tenancy test.
"""

REACH = {
    ("GET", "/api-keys/"): None,
    ("POST", "/api-keys/"): {"name": "Till"},
    ("POST", "/api-keys/{prefix}/revoke/"): None,
}
