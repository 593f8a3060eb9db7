// Moves Opus packets from WebM (what Chromium records) into Ogg (what WhatsApp carries) without touching the sound.
// WebM: EBML elements, RFC 8794 and the Matroska element ids. Ogg pages: RFC 3533. Opus in Ogg: RFC 7845.

const HOLDERS = new Set([0x18538067, 0x1f43b675, 0x1654ae6b, 0xae, 0xa0]); // Segment, Cluster, Tracks, TrackEntry, BlockGroup
const CODEC_PRIVATE = 0x63a2;
const BLOCKS = new Set([0xa3, 0xa1]); // SimpleBlock, Block
const SERIAL = 0x44726167;

export function oggFromWebm(bytes) {
  const found = { head: null, packets: [] };
  walk(bytes, 0, bytes.length, found);
  const pages = [page(found.head ?? plainHead(), { flags: 2, number: 0, granule: 0 }), page(tags(), { flags: 0, number: 1, granule: 0 })];
  let granule = 0;
  found.packets.forEach((packet, index) => {
    granule += samples(packet);
    pages.push(page(packet, { flags: index === found.packets.length - 1 ? 4 : 0, number: index + 2, granule }));
  });
  return new Blob(pages);
}

function walk(bytes, from, to, found) {
  let at = from;
  while (at < to) {
    const id = number(bytes, at, false);
    const size = number(bytes, at + id.length, true);
    const start = at + id.length + size.length;
    const end = size.unknown ? to : Math.min(to, start + size.value);
    if (HOLDERS.has(id.value)) {
      walk(bytes, start, end, found);
    } else if (id.value === CODEC_PRIVATE) found.head = bytes.slice(start, end);
    // A block opens with its track number (one byte here), a 16-bit time and flags; MediaRecorder uses no lacing.
    else if (BLOCKS.has(id.value)) found.packets.push(bytes.slice(start + number(bytes, start, true).length + 3, end));
    at = end;
  }
}

// EBML's variable-length number: the leading zeros of the first byte say how many bytes follow. Ids keep the marker bit.
function number(bytes, at, unmark) {
  const length = Math.clz32(bytes[at] || 1) - 23;
  let value = unmark ? bytes[at] & (0xff >> length) : bytes[at];
  let unknown = unmark && value === 0xff >> length;
  for (let index = 1; index < length; index += 1) {
    value = value * 256 + (bytes[at + index] ?? 0);
    unknown &&= bytes[at + index] === 0xff;
  }
  return { value, length, unknown };
}

// RFC 6716 §3.1: the table-of-contents byte tells the length of a frame and how many there are. In samples of 48 kHz.
function samples(packet) {
  const config = packet[0] >> 3;
  const frame = config < 12 ? [480, 960, 1920, 2880][config & 3] : config < 16 ? [480, 960][config & 1] : [120, 240, 480, 960][config & 3];
  const count = [1, 2, 2, packet[1] & 63][packet[0] & 3];
  return frame * count;
}

function plainHead() {
  return Uint8Array.from([...ascii("OpusHead"), 1, 1, 0x38, 0x01, 0x80, 0xbb, 0, 0, 0, 0, 0]);
}

const tags = () => Uint8Array.from([...ascii("OpusTags"), 8, 0, 0, 0, ...ascii("Dragoman"), 0, 0, 0, 0]);

const ascii = (words) => [...words].map((letter) => letter.charCodeAt(0));

function page(packet, { flags, number: sequence, granule }) {
  const lacing = [...Array(Math.floor(packet.length / 255)).fill(255), packet.length % 255];
  const out = new Uint8Array(27 + lacing.length + packet.length);
  const view = new DataView(out.buffer);
  out.set(ascii("OggS"));
  out[5] = flags;
  view.setBigUint64(6, BigInt(granule), true);
  view.setUint32(14, SERIAL, true);
  view.setUint32(18, sequence, true);
  out[26] = lacing.length;
  out.set(lacing, 27);
  out.set(packet, 27 + lacing.length);
  view.setUint32(22, checksum(out), true);
  return out;
}

const CRC = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index << 24;
  for (let bit = 0; bit < 8; bit += 1) value = value & 0x80000000 ? (value << 1) ^ 0x04c11db7 : value << 1;
  return value >>> 0;
});

const checksum = (bytes) => bytes.reduce((sum, byte) => ((sum << 8) ^ CRC[((sum >>> 24) ^ byte) & 255]) >>> 0, 0);
