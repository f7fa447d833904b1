// make.js — how the logs in this folder were made, and where the figures in test_hlog.c come from:
//
//   npm install hdr-histogram-js@3.0.1 && node make.js .
//
// The library is an implementation of HdrHistogram that shares nothing with ours.  What it prints:
// file, tag, count, mean, p50, p90, p99, p99.9 and the upper end of the last slot.
const hdr = require('hdr-histogram-js');
const fs = require('fs');

const hour = { lowestDiscernibleValue: 1, highestTrackableValue: 3600000000, numberOfSignificantValueDigits: 3 };

function random(seed) {
  let x = seed;
  return () => {
    x ^= x << 13; x >>>= 0;
    x ^= x >>> 17;
    x ^= x << 5; x >>>= 0;
    return x / 4294967296;
  };
}

// Values from 1 to e^18 (66 s in µs), as many of each magnitude.
const spread = (count, seed) => histogram => {
  const next = random(seed);
  for (let i = 0; i < count; i++)
    histogram.recordValue(Math.floor(Math.exp(next() * 18)));
};

function log(name, lines) {
  const sums = {};
  let text = '';
  const writer = new hdr.HistogramLogWriter(piece => { text += piece; });
  writer.outputComment('[Made with hdr-histogram-js 3.0.1]');
  writer.outputLogFormatVersion();
  writer.outputComment('[StartTime: 1700000000.000 (seconds since epoch), Tue Nov 14 22:13:20 UTC 2023]');
  writer.outputLegend();
  lines.forEach(({ tag, options, fill }, second) => {
    const histogram = hdr.build({ bitBucketSize: 64, ...options });
    fill(histogram);
    if (tag)
      histogram.tag = tag;
    writer.outputIntervalHistogram(histogram, second, second + 1, 1000);
    sums[tag] ??= hdr.build({ bitBucketSize: 64, ...options });
    sums[tag].add(histogram);
  });
  fs.writeFileSync(`${process.argv[2]}/${name}.hlog`, text);
  for (const tag in sums)
    console.log(name, tag, sums[tag].totalCount, sums[tag].mean,
      ...[50, 90, 99, 99.9].map(p => sums[tag].getValueAtPercentile(p)),
      sums[tag].highestEquivalentValue(sums[tag].maxValue));
}

log('same', [1, 2, 3].map(seed => ({ tag: 'ok', options: hour, fill: spread(200, seed) }))
  .concat({ tag: 'raw', options: hour, fill: spread(100, 4) }));
log('coarse', [{ options: { ...hour, highestTrackableValue: 90000000, numberOfSignificantValueDigits: 2 }, fill: spread(300, 5) }]);
log('fine', [{ tag: 'digits', options: { ...hour, numberOfSignificantValueDigits: 5 }, fill: spread(100, 6) },
  { tag: 'unit', options: { ...hour, lowestDiscernibleValue: 1000 }, fill: spread(100, 7) }]);
log('nanoseconds', [{ options: { ...hour, highestTrackableValue: 7200000000000 }, fill: histogram => histogram.recordValue(5e12) }]);
