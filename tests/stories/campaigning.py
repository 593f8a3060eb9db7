"""Bakery Lumen's campaigns, in a story."""

from cast import until
from native import Second

NAMED = {"name": "rye_day", "body": "Hello {{1}}, rye is fresh today.", "language": "en"}


class Campaigns:
    """What Lumen's marketing does over the second dialect."""

    def __init__(self, lumen, assistant_id):
        self.second, self.lumen, self.assistant_id = Second(lumen), lumen, assistant_id

    @classmethod
    async def of(cls, lumen, model, **template):
        """With an assistant on the sandbox number, and the template "Hello …, rye is fresh today."."""
        await lumen.control("POST", "/templates", {**NAMED, **template})
        return cls(lumen, await Second(lumen).hire(model))

    def body(self, people, *, settings=None, data=None, **touchpoint):
        """`people` are phones, or customer_details as they are."""
        details = [one if isinstance(one, dict) else {"to_number": one.person["phone"]} for one in people]
        names = {"is_static": False, "params": [{"text": "name"}]}
        return {
            "name": "Rye day",
            "touchpoint": {
                "name": "First",
                "type": "WHATSAPP",
                "status": "scheduled",
                "start_at": "2026-01-01T00:00:00Z",
                "assistant_id": int(self.assistant_id),
                "customer_details": details,
                "additional_settings": settings or {},
                "whatsapp_data": {"template": "rye_day", "language_code": "en", "body_params": names, **(data or {})},
                **touchpoint,
            },
        }

    async def create(self, people, **more):
        return (await self.second.call("POST", "/_campaign/create_with_touchpoint", self.body(people, **more), expect=(201,)))["id"]

    async def refused(self, people, code=400, **more):
        body = self.body(people, **more)
        return (await self.second.call("POST", "/_campaign/create_with_touchpoint", body, expect=(code,)))["errors"]

    async def name(self, phone, name=None, **fields):
        """Let the business know a customer."""
        new = {"phone": phone.person["phone"], "name": name or phone.person["name"], **fields}
        return (await self.second.call("POST", "/_customers", new))["id"]

    async def act(self, campaign_id, verb, expect=(200,)):
        return await self.second.call("POST", f"/_campaigns/{campaign_id}/{verb}", expect=expect)

    async def read(self, campaign_id):
        return await self.second.call("GET", f"/_campaigns/{campaign_id}")

    async def counts(self, campaign_id, **wanted):
        """The statistics, once they say so."""

        async def look():
            found = await self.second.call("GET", f"/_campaigns/{campaign_id}/statistics")
            return found if all(found[name] == value for name, value in wanted.items()) else None

        return await until(look, f"the campaign has {wanted}")

    async def completed(self, campaign_id):
        async def look():
            return (await self.read(campaign_id))["status"] == "completed"

        await until(look, "the campaign is completed")

    async def recipients(self, campaign_id, query=""):
        return (await self.second.call("GET", f"/_campaigns/{campaign_id}/recipients{query}"))["data"]
