# One image for all services of docker-compose.yaml: Airflow and recsys with the locked packages.
FROM python:3.11-slim

# LightGBM and implicit use OpenMP, which the slim image leaves out.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 50000 --gid 0 --create-home --home-dir /opt/airflow airflow \
    && install --directory --owner airflow /lake /opt/airflow/logs

COPY requirements.txt /opt/recsys/
RUN pip install --no-cache-dir --require-hashes --requirement /opt/recsys/requirements.txt

COPY dags /opt/recsys/dags
COPY plugins /opt/recsys/plugins
COPY recsys /opt/recsys/recsys
COPY sql /opt/recsys/sql

ENV AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/recsys/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/recsys/plugins \
    PYTHONPATH=/opt/recsys \
    OPENBLAS_NUM_THREADS=1 \
    PYTHONUNBUFFERED=1

WORKDIR /opt/recsys
USER airflow
ENTRYPOINT ["airflow"]
CMD ["version"]
