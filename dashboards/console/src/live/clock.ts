// One clock for all views: console time four times a second, and the server's time by the last frame that carried it.
import { computed, shallowRef } from 'vue';
import { hall } from './hall';

/** Console clock, ms. */
export const nowMs = shallowRef(Date.now());
setInterval(() => (nowMs.value = Date.now()), 250);

/** Server clock minus console clock, ms; null before the first frame. */
export const skewMs = computed(() => {
  const pulse = hall.value.pulse;
  return pulse ? pulse.serverTime / 1000 - pulse.heardAt : null;
});

/** Server time, µs: what ages of alarms are measured by. */
export const serverNow = computed(() => (nowMs.value + (skewMs.value ?? 0)) * 1000);
/** The same, changing once a second: for rows. */
export const serverSecond = computed(() => Math.floor(serverNow.value / 1e6) * 1e6);
