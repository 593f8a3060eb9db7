"""The outside world in a box: an emulator of WhatsApp's Graph API, its people and their phones, over real HTTP.

It imports nothing of the product but `settings`, `clock`, `errors` and `ids`; the product reaches it by base URL only.
"""
