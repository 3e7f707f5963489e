// Sound as a state of the desk: shown in the strip, told to the server, driven by the pure schedule.
import { computed, shallowRef, watch } from 'vue';
import type { Level } from '../hall/state';
import { Player } from '../sound/player';
import { due, hear, isSilenced, quiet, silence as silenced } from '../sound/schedule';
import { nowMs } from './clock';
import { counters, onGreeting, onHall, stream } from './hall';
import { me, takenOver, takeOver } from './session';
import { vigilance } from './vigilance';

export const armed = shallowRef(false);
/** The pattern sounding now, for its visual twin. */
export const sounding = shallowRef<Level | null>(null);
const sound = shallowRef(quiet);

const player = new Player(() => (armed.value = player.armed));

export const silenceLeftS = computed(() =>
  isSilenced(sound.value, nowMs.value) ? Math.ceil((sound.value.silencedUntil - nowMs.value) / 1000) : 0,
);

/** Inside a gesture: arms the loudspeaker and takes the desk over. */
export function arm(): void {
  takeOver();
  player.arm().catch(() => (armed.value = false)); // no audio device: the strip keeps saying "not armed"
}

export function silence(): void {
  sound.value = silenced(sound.value, Date.now());
}
export function resumeSound(): void {
  sound.value = { ...sound.value, silencedUntil: 0 };
}
export const testLevel = (level: Level): void => {
  sound.value = hear(sound.value, [{ alarmId: 'test', seq: 0, level }], Date.now());
};

/** How often the schedule is asked, ms; far finer than the 250 ms gap between two patterns. */
const SCHEDULE_MS = 50;

/** The question whether somebody is there is asked aloud again after this, ms. */
const VIGILANCE_EVERY_MS = 5_000;
let askedAt = 0;

/** Sounds as a red alarm does, through a silence too: it asks because nobody answers. */
function askAloud(now: number): void {
  if (!vigilance.value || now - askedAt < VIGILANCE_EVERY_MS) return;
  askedAt = now;
  sound.value = hear({ ...sound.value, silencedUntil: 0 }, [{ alarmId: vigilance.value.id, seq: now, level: 1 }], now);
}

function beat(): void {
  if (!me.value) return;
  const now = Date.now();
  askAloud(now);
  const next = due(sound.value, (counters.value.levels[1]?.unacknowledged ?? 0) > 0, now);
  if (next.sound !== sound.value) sound.value = next.sound;
  if (next.play !== null) {
    player.play(next.play);
    sounding.value = next.play;
  } else if (sounding.value !== null && now > sound.value.busyUntil) sounding.value = null;
}

/** Starts the schedule and the reports to the server. */
export function startSound(): void {
  onHall((h) => (sound.value = hear(sound.value, h.raised, Date.now())));
  onGreeting(() => ({ type: 'sound', armed: armed.value }));
  watch(armed, (value) => stream.send({ type: 'sound', armed: value }));
  setInterval(beat, SCHEDULE_MS);
  // After a reload the desk is still taken over, but a browser needs a new gesture: any will do.
  const rearm = (): void => {
    if (takenOver.value && !player.armed) arm();
  };
  addEventListener('pointerdown', rearm, { capture: true });
  addEventListener('keydown', rearm, { capture: true });
}
