#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Assumption: the zeros that a Pad node adds count in the MaxPool that follows, as ONNX's specification of both operators
# and ZeroPadding2D with MaxPooling2D of Keras define. A graph optimization does not change the numbers.
#
# Behaviour: ONNX Runtime 1.23.2 merges the Pad into the pads of the MaxPool, from the level "basic" on. These pads are
# minus infinity: where all pixels are negative, the maximum is a pixel and not 0. Without optimization, and with
# auto_pad=VALID in place of zero pads, the zeros count. The level that is the default merges.
#
# Relevance to users of gst-lstm: ResNet50V2 of keras.applications has a ZeroPadding2D before its first MaxPooling2D.
# lstm-convert --split writes auto_pad=VALID, so the features equal the model of Keras.
#
# Needs: npm, Node.js. Expected: the output below, with status 0.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

cat >package.json <<'END'
{"private": true, "dependencies": {"onnxruntime-web": "1.23.2", "protobufjs": "7.6.6", "long": "5.3.2"}}
END
npm install --silent --ignore-scripts --no-audit --no-fund

# The input is a picture of 4 x 4 pixels of -1. A border of one zero follows, then a maximum of 3 x 3 pixels with stride 2.
cat >run.js <<'END'
const ort = require('onnxruntime-web');
const { onnx } = require('./node_modules/onnxruntime-web/lib/onnxjs/ort-schema/protobuf/onnx');
const { version } = require('./node_modules/onnxruntime-web/package.json');

const AttributeType = onnx.AttributeProto.AttributeType;
const { FLOAT, INT64 } = onnx.TensorProto.DataType;
const value = (name, dims) =>
    ({ name, type: { tensorType: { elemType: FLOAT, shape: { dim: dims.map(n => ({ dimValue: n })) } } } });
const ints = (name, values) => ({ name, type: AttributeType.INTS, ints: values });

async function run(graphOptimizationLevel, padding) {
  const model = { irVersion: 7, opsetImport: [{ domain: '', version: 13 }],
    graph: { name: 'g', node: [
      { opType: 'Pad', input: ['X', 'pads'], output: ['padded'] },
      { opType: 'MaxPool', input: ['padded'], output: ['Y'],
        attribute: [ints('kernel_shape', [3, 3]), ints('strides', [2, 2]), ...padding] }],
      initializer: [{ name: 'pads', dims: [8], dataType: INT64, int64Data: [0, 0, 1, 1, 0, 0, 1, 1] }],
      input: [value('X', [1, 1, 4, 4])], output: [value('Y', [1, 1, 2, 2])] } };
  const bytes = onnx.ModelProto.encode(onnx.ModelProto.fromObject(model)).finish();
  const session = await ort.InferenceSession.create(new Uint8Array(bytes), { graphOptimizationLevel });
  const X = new ort.Tensor('float32', new Float32Array(16).fill(-1), [1, 1, 4, 4]);
  return (await session.run({ X })).Y.data.join(' ');
}

async function main() {
  const valid = { name: 'auto_pad', type: AttributeType.STRING, s: new TextEncoder().encode('VALID') };

  ort.env.wasm.numThreads = 1;
  console.log('onnxruntime-web', version);
  console.log('disabled         ', await run('disabled', []));
  console.log('basic            ', await run('basic', []));
  console.log('all, the default ', await run('all', []));
  console.log('all, auto_pad    ', await run('all', [valid]));
}

main().catch(error => {
  console.error(error);
  process.exit(1);
});
END

cat >expected <<'END'
onnxruntime-web 1.23.2
disabled          0 0 0 -1
basic             -1 -1 -1 -1
all, the default  -1 -1 -1 -1
all, auto_pad     0 0 0 -1
END
timeout 120 node run.js | tee seen
diff expected seen
echo "as expected: the zeros of a Pad do not count in the MaxPool that follows"
