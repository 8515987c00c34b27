import { keep, kept } from '../base/storage';

const CHOICE_KEY = 'sightwire.camera';

/** The camera that this browser used last; empty means the browser's own choice. */
export function rememberedCamera(): string {
  return kept(CHOICE_KEY) ?? '';
}

export function rememberCamera(deviceId: string): void {
  keep(CHOICE_KEY, deviceId);
}

export function cameraSupported(): boolean {
  return window.isSecureContext && 'mediaDevices' in navigator;
}

/** The cameras that the browser tells of. Their names are empty until one was allowed. */
export async function listCameras(): Promise<MediaDeviceInfo[]> {
  if (!cameraSupported()) return [];
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices.filter((device) => device.kind === 'videoinput' && device.deviceId !== '');
}
