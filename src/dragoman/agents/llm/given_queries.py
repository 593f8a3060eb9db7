"""The SQL of `given`, made of the statements that others read each part with."""

from dragoman.agents import configured_queries
from dragoman.agents import queries as agents
from dragoman.agents.actions import queries as actions
from dragoman.agents.knowledge import documents_queries as documents
from dragoman.agents.llm import queries

# The provider is the one that the model's name begins with.
_OF_MODEL = "split_part(case when coalesce(a.llm_model, '') = any(%(default_names)s) then %(default_model)s else a.llm_model end, '/', 1)"

GIVEN = f"""
select a.*,
       (select to_jsonb(p) from ({queries.PROVIDER.replace("%(name)s", _OF_MODEL)}) p) as provider,
       array({documents.BASES_OF_AGENT}) as bases,
       (select jsonb_agg(l) from ({actions.OF_AGENT}) l) as actions,
       (select jsonb_agg(c) from ({configured_queries.OF_AGENTS}) c) as capabilities
from ({agents.GET}) a
"""
