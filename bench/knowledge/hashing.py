"""Vectors without a model: each stem of a text has a direction by its hash. They know no meaning, only the same words, and are always
the same; good enough to see that both ranks are fused, and how long that takes."""

import hashlib
import math

from dragoman.agents.knowledge.words import stem, telling, tokens


class Hashing:
    def __init__(self, dims=256, model="hashing"):
        self.dims, self.model, self.asked = dims, model, []

    async def embed(self, texts):
        self.asked += texts
        return [self.vector(text) for text in texts]

    def vector(self, text):
        vector = [0.0] * self.dims
        for word in telling(tokens(text)):
            digest = hashlib.blake2b(stem(word).encode(), digest_size=8).digest()
            vector[int.from_bytes(digest[:4], "big") % self.dims] += 1 if digest[4] % 2 else -1
        length = math.sqrt(sum(value * value for value in vector)) or 1.0
        return [value / length for value in vector]
