import { useEffect, useState } from 'react';
import { listCameras } from './cameras';

export interface Camera {
  id: string;
  name: string;
}

/** The cameras to choose from. `allowed` changing means that their names may be known now. */
export function useCameras(allowed: boolean): readonly Camera[] {
  const [cameras, setCameras] = useState<readonly Camera[]>([]);
  useEffect(() => {
    let gone = false;
    const look = () => {
      void listCameras().then(
        (devices) => {
          if (gone) return;
          setCameras(
            devices.map((device, n) => ({
              id: device.deviceId,
              name: device.label === '' ? `Camera ${n + 1}` : device.label,
            })),
          );
        },
        () => undefined,
      );
    };
    look();
    // Missing on pages without https, whatever the type says.
    const devices = navigator.mediaDevices as MediaDevices | undefined;
    devices?.addEventListener('devicechange', look);
    return () => {
      gone = true;
      devices?.removeEventListener('devicechange', look);
    };
  }, [allowed]);
  return cameras;
}
