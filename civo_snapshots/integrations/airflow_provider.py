"""What Airflow is told of this package as a provider; it loads neither Airflow nor the SDK."""


def get_provider_info() -> dict[str, object]:
    """The connection type `civo` and its form, in Airflow's format of provider metadata."""
    module = "civo_snapshots.integrations.airflow"
    return {
        "package-name": "civo-snapshots",
        "name": "Civo snapshots",
        "description": "Instance snapshots of CivoStack Enterprise private regions.",
        "operators": [{"integration-name": "Civo snapshots", "python-modules": [module]}],
        "sensors": [{"integration-name": "Civo snapshots", "python-modules": [module]}],
        "hooks": [{"integration-name": "Civo snapshots", "python-modules": [module]}],
        "triggers": [{"integration-name": "Civo snapshots", "python-modules": [module]}],
        "connection-types": [
            {
                "connection-type": "civo",
                "hook-class-name": f"{module}.CivoHook",
                "hook-name": "Civo snapshots",
                "ui-field-behaviour": {
                    "hidden-fields": ["host", "port", "login", "schema"],
                    "relabeling": {"password": "API token"},
                    "placeholders": {},
                },
                "conn-fields": {
                    "region": {
                        "label": "Region",
                        "description": "Code of the region where a task names none, such as LON1.",
                        "schema": {"type": ["string", "null"]},
                    },
                    "api_url": {
                        "label": "API URL",
                        "description": "https://host[:port] of the region's API.",
                        "schema": {"type": ["string", "null"], "format": "url"},
                    },
                },
            }
        ],
    }
