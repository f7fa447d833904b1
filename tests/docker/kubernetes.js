/*
 * kubernetes.js — checks manifests against the schemas of the Kubernetes API, and that they refer to
 * one another: node kubernetes.js FILE…   (npm packages kubernetes-models and js-yaml in NODE_PATH)
 */
'use strict';
const fs = require('fs');
const yaml = require('js-yaml');

let failed = 0;
const objects = {};

function complain(file, text) {
    console.error(`${file}: ${text}`);
    failed = 1;
}

for (const file of process.argv.slice(2)) {
    for (const object of yaml.loadAll(fs.readFileSync(file, 'utf8'))) {
        const [, group, version] = /^(?:([^/]*)\/)?(.*)$/.exec(object.apiVersion);
        const module = [group, version, object.kind].filter(Boolean).join('/');
        try {
            const Model = require(`kubernetes-models/${module}`)[object.kind];
            new Model(object).validate();
            console.log(`${file}: ${object.apiVersion} ${object.kind} ${object.metadata.name}`);
        } catch (e) {
            complain(file, `${module}: ${e.message}`);
        }
        objects[object.kind] = object;
    }
}

/* A schema does not know that a selector selects nothing. */
const { Deployment, Service, PodDisruptionBudget } = objects;
const labels = Deployment.spec.template.metadata.labels;
const selectors = {
    Deployment: Deployment.spec.selector.matchLabels,
    Service: Service.spec.selector,
    PodDisruptionBudget: PodDisruptionBudget.spec.selector.matchLabels,
};
for (const [kind, selector] of Object.entries(selectors))
    for (const [key, value] of Object.entries(selector))
        if (labels[key] !== value) complain(kind, `selects ${key}=${value}, which no pod has`);
const server = Deployment.spec.template.spec.containers[0];
const ports = server.ports.map((p) => p.name);
const named = [...Service.spec.ports.map((p) => p.targetPort),
    ...['startupProbe', 'livenessProbe', 'readinessProbe'].map((p) => server[p].httpGet.port)];
for (const port of named)
    if (!ports.includes(port)) complain('Deployment', `has no port called ${port}`);

process.exit(failed);
