// Where the phone is, if it tells: only on https, only with leave, and never longer awaited than a person waits.
import type { Json } from '../api/work';

const WAIT_MS = 2_000;
const AGE_MAX_MS = 60_000;

/** WGS-84 degrees and metres; null: not told. */
export function position(): Promise<Json | null> {
  if (!isSecureContext || !('geolocation' in navigator)) return Promise.resolve(null);
  return new Promise((done) => {
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => done({ longitude: coords.longitude, latitude: coords.latitude, accuracy_m: coords.accuracy }),
      () => done(null),
      { timeout: WAIT_MS, maximumAge: AGE_MAX_MS },
    );
  });
}
