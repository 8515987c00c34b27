import type { IconName } from '../../components/Icon';
import { CameraChoice, FileChoice, SourceChoice } from '../../components/SourceChoice';
import type { Camera } from '../../recognise/view/useCameras';
import type { SourceKind } from '../settings';

const KINDS: { value: SourceKind; icon: IconName; name: string }[] = [
  { value: 'camera', icon: 'camera', name: 'Camera' },
  { value: 'screen', icon: 'system', name: 'Screen' },
  { value: 'file', icon: 'file', name: 'Video file' },
  { value: 'test', icon: 'clip', name: 'Test pattern' },
];

interface Props {
  kind: SourceKind;
  onKind: (kind: SourceKind) => void;
  cameras: readonly Camera[];
  camera: string;
  onCamera: (id: string) => void;
  file: File | null;
  onChooseFile: () => void;
}

/** Where the pictures come from. Every change acts at once. */
export function SourceControls(props: Props) {
  return (
    <SourceChoice kinds={KINDS} kind={props.kind} onKind={props.onKind}>
      {props.kind === 'camera' ? (
        <CameraChoice {...props} />
      ) : props.kind === 'file' ? (
        <FileChoice file={props.file} onChoose={props.onChooseFile} />
      ) : null}
    </SourceChoice>
  );
}
