// Records a voice note the way WhatsApp sends it: Ogg with Opus.

import { oggFromWebm } from "./ogg.js";

const OGG = "audio/ogg;codecs=opus";
const WEBM = "audio/webm;codecs=opus";

export function canRecord() {
  return Boolean(navigator.mediaDevices?.getUserMedia && window.MediaRecorder && [OGG, WEBM].some((kind) => MediaRecorder.isTypeSupported(kind)));
}

/** Starts at once. Returns {finish(): Promise<File>, cancel()}; rejects when the microphone is refused. */
export async function record() {
  const sound = await navigator.mediaDevices.getUserMedia({ audio: true });
  const kind = MediaRecorder.isTypeSupported(OGG) ? OGG : WEBM;
  const recorder = new MediaRecorder(sound, { mimeType: kind, audioBitsPerSecond: 24000 });
  const chunks = [];
  recorder.ondataavailable = ({ data }) => chunks.push(data);
  const stopped = new Promise((done) => (recorder.onstop = done));
  recorder.start();
  const end = async () => {
    recorder.stop();
    await stopped;
    sound.getTracks().forEach((track) => track.stop());
  };
  const finish = async () => {
    await end();
    const bytes = new Uint8Array(await new Blob(chunks).arrayBuffer());
    return new File([kind === OGG ? bytes : oggFromWebm(bytes)], "voice.ogg", { type: "audio/ogg; codecs=opus" });
  };
  return { finish, cancel: end };
}
