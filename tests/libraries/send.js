// Sends every call that a library has to a door, and says which of them it reports as delivered: one line of JSON.
const [library, url, writeKey] = process.argv.slice(2);

const user = { userId: "u1" };
const CALLS = {
  identify: { ...user, traits: { plan: "pro", email: "u1@example.com" } },
  track: { ...user, event: "Signed up", properties: { source: "test" } },
  page: { ...user, name: "Home", properties: { url: "https://www.example.com/" } },
  screen: { ...user, name: "Main", properties: {} },
  group: { ...user, groupId: "g1", traits: { name: "Example Ltd" } },
  alias: { ...user, previousId: "u0" },
};

// The two that follow Segment's newer interface.
function modern({ Analytics }) {
  const client = new Analytics({ writeKey, host: url, maxRetries: 0, httpRequestTimeout: 10000 });
  const failed = [];
  client.on("error", (error) => failed.push(String(error.reason ?? error)));
  return { client, failed, end: () => client.closeAndFlush({ timeout: 15000 }) };
}

function legacy(Analytics) {
  const failed = [];
  const errorHandler = (error) => failed.push(String(error));
  const client = new Analytics(writeKey, { host: url, retryCount: 0, flushInterval: 100, timeout: 10000, errorHandler });
  return { client, failed, end: () => client.flush() };
}

function rudder(gzip) {
  return (Analytics) => {
    const failed = [];
    const errorHandler = (error) => failed.push(String(error));
    const options = { dataPlaneUrl: url, gzip, retryCount: 0, flushInterval: 100, logLevel: "silent", errorHandler };
    const client = new Analytics(writeKey, options);
    return { client, failed, end: () => client.flush() };
  };
}

const LIBRARIES = {
  "@segment/analytics-node": ["@segment/analytics-node", modern],
  "@customerio/cdp-analytics-node": ["@customerio/cdp-analytics-node", modern],
  "analytics-node": ["analytics-node", legacy],
  "@rudderstack/rudder-sdk-node": ["@rudderstack/rudder-sdk-node", rudder(true)],
  "@rudderstack/rudder-sdk-node without gzip": ["@rudderstack/rudder-sdk-node", rudder(false)],
};

async function main() {
  const [name, make] = LIBRARIES[library];
  const module = require(name);
  const { client, failed, end } = make(make === modern ? module : module.default ?? module);
  const delivered = [];
  const sent = Object.keys(CALLS).filter((type) => typeof client[type] === "function");
  const told = sent.map(
    (type) =>
      new Promise((resolve) => {
        const heard = (error) => {
          if (error) failed.push(`${type}: ${error.message ?? error}`);
          else delivered.push(type);
          resolve();
        };
        client[type](CALLS[type], heard);
        setTimeout(resolve, 15000).unref();
      }),
  );
  await Promise.resolve(end()).catch((error) => failed.push(`flush: ${error.message ?? error}`));
  await Promise.all(told);
  console.log(JSON.stringify({ sent, delivered, failed }));
}

main().then(() => process.exit(0));
