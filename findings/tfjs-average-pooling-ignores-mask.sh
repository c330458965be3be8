#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Assumption: after a Masking layer, globalAveragePooling1d of TensorFlow.js averages the steps that are not masked, as
# GlobalAveragePooling1D of Keras does. The recurrent layers of TensorFlow.js skip masked steps, so masks are supported.
#
# Behaviour: globalAveragePooling1d of TensorFlow.js 4.22.0 averages all steps. Padding therefore lowers the average. A
# simpleRNN between Masking and the pooling skips the padding.
#
# Relevance to users of gst-lstm: a layer `pooling` with the function mean counts only steps that are not masked, as Keras
# does. The outputs of a padded sequence differ from TensorFlow.js, and equal the outputs of the sequence without padding.
#
# Needs: npm, Node.js. Expected: the output below, with status 0.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

cat >package.json <<'END'
{"private": true, "dependencies": {"@tensorflow/tfjs": "4.22.0"}}
END
npm install --silent --ignore-scripts --no-audit --no-fund

cat >run.js <<'END'
const tf = require('@tensorflow/tfjs');

// The recurrent layer adds its inputs: all weights are 1.
const sum = { units: 1, activation: 'linear', kernelInitializer: 'ones', recurrentInitializer: 'ones' };
const predict = (layer, steps) => {
  const model = tf.sequential();
  model.add(tf.layers.masking({ maskValue: 0, inputShape: [null, 1] }));
  model.add(layer);
  return model.predict(tf.tensor([steps.map(x => [x])])).dataSync()[0];
};

async function main() {
  await tf.setBackend('cpu');
  console.log('TensorFlow.js', tf.version.tfjs);
  console.log('average of 3 5:    ', predict(tf.layers.globalAveragePooling1d({}), [3, 5]));
  console.log('average of 3 5 0 0:', predict(tf.layers.globalAveragePooling1d({}), [3, 5, 0, 0]));
  console.log('sum of 3 5 0 0:    ', predict(tf.layers.simpleRNN(sum), [3, 5, 0, 0]));
  console.log('last of 3 5 0 0:   ', predict(tf.layers.simpleRNN({ ...sum, recurrentInitializer: 'zeros' }), [3, 5, 0, 0]));
}

main();
END

cat >expected <<'END'
TensorFlow.js 4.22.0
average of 3 5:     4
average of 3 5 0 0: 2
sum of 3 5 0 0:     8
last of 3 5 0 0:    5
END
node run.js 2>/dev/null | sed '/^$/d;/^=*$/d;/^Hi/d' | tee seen
diff expected seen
echo "as expected: the average counts the masked steps, and the recurrent layer skips them"
