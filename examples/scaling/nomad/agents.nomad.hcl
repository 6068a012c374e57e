# A Nomad job whose count follows `desired` of a group.
job "agents-fast" {
  type = "service"

  group "agents" {
    count = 2

    scaling {
      enabled = true
      min     = 2
      max     = 40

      policy {
        # ClawPulse has its own cooldowns.
        cooldown            = "15s"
        evaluation_interval = "15s"
        # Without a figure nothing is done.
        on_check_error      = "fail"

        check "desired" {
          source       = "prometheus"
          query        = "max(clawpulse_scaling_desired{group=\"fast\"})"
          query_window = "1m"

          strategy "pass-through" {}
        }
      }
    }

    task "openclaw" {
      driver = "docker"

      config {
        image = "openclaw:latest"
      }
    }
  }
}
