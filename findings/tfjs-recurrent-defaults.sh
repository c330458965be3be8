#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Assumption: TensorFlow.js, whose layers have the names and options of Keras, builds the same LSTM and GRU as Keras from the
# same options. `units` alone then defines a layer whose weights can be copied to Keras.
#
# Behaviour: the layers of TensorFlow.js 4.22.0 use hard_sigmoid (clip (x / 5 + 1/2)) for the gates by default, as Keras did
# before 2.3. Keras uses sigmoid since 2.3. A GRU of TensorFlow.js has reset_after=false, and refuses true. tf.keras 2 and
# Keras 3 have reset_after=true. The default GRU of one system therefore has a formula that the default GRU of the other
# lacks.
#
# Relevance to users of gst-lstm: set recurrentActivation: 'sigmoid' in TensorFlow.js before training, or write
# "recurrent_activation": "hard_sigmoid" into the configuration of the model that receives the weights. A GRU needs
# "reset_after": false.
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

# All weights of the layers are 1, and the bias is 0. The input is 1 at one step.
cat >run.js <<'END'
const tf = require('@tensorflow/tfjs');

const sigmoid = x => 1 / (1 + Math.exp(-x)), hardSigmoid = x => Math.min(1, x / 5 + 0.5);
const lstm = gate => gate(1) * Math.tanh(gate(1) * Math.tanh(1));
const options = { units: 1, kernelInitializer: 'ones', unitForgetBias: false };
const show = (name, value) => console.log(name, value);

async function main() {
  await tf.setBackend('cpu');
  const layer = tf.layers.lstm(options);
  const y = layer.apply(tf.ones([1, 1, 1])).dataSync()[0];
  show('TensorFlow.js', tf.version.tfjs);
  show('LSTM, default options:        ', y.toFixed(4));
  show('LSTM, formula, hard_sigmoid:  ', lstm(hardSigmoid).toFixed(4));
  show('LSTM, formula, sigmoid:       ', lstm(sigmoid).toFixed(4));
  show('GRU, recurrentActivation:     ', tf.layers.gru({ units: 1 }).getConfig().recurrentActivation);
  show('GRU, resetAfter:              ', tf.layers.gru({ units: 1 }).getConfig().resetAfter);
  try {
    tf.layers.gru({ units: 1, resetAfter: true });
  } catch (error) {
    show('GRU, resetAfter: true:        ', error.message);
  }
}

main();
END

cat >expected <<'END'
TensorFlow.js 4.22.0
LSTM, default options:         0.3414
LSTM, formula, hard_sigmoid:   0.3414
LSTM, formula, sigmoid:        0.3696
GRU, recurrentActivation:      hardSigmoid
GRU, resetAfter:               false
GRU, resetAfter: true:         GRUCell does not support reset_after parameter set to true.
END
node run.js 2>/dev/null | sed '/^$/d;/^=*$/d;/^Hi/d' | tee seen
diff expected seen
echo "as expected: gates are hard_sigmoid, and a GRU resets before its product"
