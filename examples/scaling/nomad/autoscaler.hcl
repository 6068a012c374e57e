# Configuration of Nomad's autoscaler agent: it asks a Prometheus that reads ClawPulse (../prometheus/scrape.yaml).
nomad {
  address = "http://127.0.0.1:4646"
}

apm "prometheus" {
  driver = "prometheus"
  config = {
    address = "http://127.0.0.1:9090"
  }
}

strategy "pass-through" {
  driver = "pass-through"
}
