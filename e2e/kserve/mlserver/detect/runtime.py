"""A model of MLServer that finds one thing in the upper left quarter of each picture."""

import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class Detector(MLModel):
    """Takes UINT8 [1, 64, 64, 3]."""

    async def load(self) -> bool:
        """There is nothing to load."""
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """One box, whatever is in the picture."""
        picture = NumpyCodec.decode_input(payload.inputs[0])
        if picture.shape != (1, 64, 64, 3) or picture.dtype != np.uint8:
            raise ValueError(f"{picture.shape} {picture.dtype}")
        outputs = {
            "boxes": np.array([[0, 0, 32, 24]], np.float32),
            "scores": np.array([0.75], np.float32),
            "classes": np.array([3], np.int64),
        }
        encoded = [NumpyCodec.encode_output(name, values) for name, values in outputs.items()]
        return InferenceResponse(model_name=self.name, outputs=encoded)
