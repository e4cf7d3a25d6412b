/** Starts the server on a data directory kept from a failed test run, prints how to connect, and stops it on Ctrl-C. */
import { once } from "node:events";
import { ClusterError, startCluster } from "../db/cluster.ts";

const directory = process.argv[2];
if (directory === undefined) {
	console.error("Name the data directory that the test run printed: node scripts/open-cluster.ts <directory>");
	process.exit(1);
}
try {
	const cluster = await startCluster({ directory, password: "test-superuser", report: console.log });
	console.log(`psql ${cluster.adminUrl}   (\\l lists the databases; Ctrl-C here stops the server)`);
	// The server does not keep this process alive, nor do handlers of signals.
	const awake = setInterval(() => {}, 60_000);
	await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM"), cluster.exited]);
	clearInterval(awake);
	await cluster.stop();
} catch (error) {
	if (!(error instanceof ClusterError)) throw error;
	console.error(error.message);
	process.exit(1);
}
