/** The picture in a page of one's own. */
export function htmlSnippet(url: string): string {
  return `<img src="${url.replaceAll('&', '&amp;')}" alt="">`;
}

/** A minute of it as a file, with the times at which the pictures came. */
export function ffmpegSnippet(url: string): string {
  return `ffmpeg -use_wallclock_as_timestamps 1 -i "${url}" -t 60 camera.mp4`;
}

export function pythonPicturesSnippet(url: string): string {
  return [
    `import cv2  # pip install opencv-python`,
    `video = cv2.VideoCapture("${url}")`,
    `while True:`,
    `    ok, frame = video.read()`,
    `    print(frame.shape if ok else "no frame")`,
  ].join('\n');
}

/** What is found, as JSON, one line for each analysed picture. */
export function pythonObjectsSnippet(url: string): string {
  return [
    `import json, requests  # pip install requests`,
    `for line in requests.get("${url}", stream=True).iter_lines():`,
    `    if line.startswith(b"data: ") and b"detections" in line:`,
    `        found = json.loads(line[6:])["detections"]`,
    `        print([(o["label"], o["confidence"], o["box"]) for o in found])`,
  ].join('\n');
}
